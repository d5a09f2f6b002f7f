import { defineConfig } from 'vite';
import { budget } from './vite.config.ts';

/** What the script that pages of one's own load may weigh, in bytes after gzip. */
const scriptBudget = 3 * 1024;

// `embed.js`, beside what the widget's own build made: one plain script that sets one global name.
export default defineConfig({
  plugins: [budget(scriptBudget)],
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2022',
    sourcemap: false,
    lib: {
      entry: 'src/embed/embed.ts',
      name: 'FinancialPulse',
      formats: ['iife'],
      fileName: () => 'embed.js',
    },
  },
});
