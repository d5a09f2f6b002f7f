import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** What the script that every page view loads may weigh, in bytes after gzip. */
const scriptBudget = 25 * 1024;

/** Fails the build when the entry script outgrows its budget. */
export function budget(scriptBudget: number): Plugin {
  return {
    name: 'pulse-budget',
    apply: 'build',
    async writeBundle({ dir = 'dist' }, bundle) {
      for (const part of Object.values(bundle)) {
        if (part.type !== 'chunk' || !part.isEntry) continue;
        const script = await readFile(join(dir, part.fileName));
        const size = gzipSync(script, { level: 9 }).byteLength;
        const words = `${part.fileName} is ${size} bytes after gzip; the budget is ${scriptBudget}`;
        if (size > scriptBudget) this.error(words);
        this.info(words);
      }
    },
  };
}

/**
 * Loads lazy parts by a plain `import()`. Vite's own helper preloads their style sheets; here there
 * is one style sheet, and the helper would be a kilobyte of the budget.
 */
function plainImports(): Plugin {
  return {
    name: 'pulse-plain-imports',
    enforce: 'pre',
    apply: 'build',
    load(id) {
      return id === '\0vite/preload-helper.js'
        ? 'export const __vitePreload = (load) => load();'
        : null;
    },
  };
}

/** Puts the texts of the widget's operations beside the page, for the server to know them. */
function operations(): Plugin {
  return {
    name: 'pulse-operations',
    apply: 'build',
    async generateBundle() {
      const source = await readFile('src/api/operations.json', 'utf8');
      this.emitFile({ type: 'asset', fileName: 'operations.json', source });
    },
  };
}

export default defineConfig({
  // The page is served below /embed/, its assets always from /assets/.
  base: '/',
  plugins: [plainImports(), operations(), budget(scriptBudget)],
  build: {
    outDir: 'dist',
    target: 'es2023',
    // The content security policy allows neither inline scripts nor data: addresses.
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    sourcemap: false,
  },
  css: { modules: { generateScopedName: '[hash:base64:5]' } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    // Set, so that a date shifted by a time zone is seen by the tests.
    env: { TZ: 'America/Los_Angeles' },
  },
} as Parameters<typeof defineConfig>[0]);
