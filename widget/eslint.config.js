import js from '@eslint/js';
import a11y from 'eslint-plugin-jsx-a11y';
import tseslint from 'typescript-eslint';

/** Fields that are taken out of an object to leave the others. */
const unusedRest = { ignoreRestSiblings: true };

/** What scripts find in Node, and inside the functions that they have the browser evaluate. */
const nodeGlobals = ['console', 'fetch', 'process', 'Buffer', 'URL', 'setTimeout', 'clearTimeout'];
const pageGlobals = [
  'caches',
  'document',
  'MutationObserver',
  'getComputedStyle',
  'history',
  'indexedDB',
  'localStorage',
  'location',
  'navigator',
  'performance',
  'sessionStorage',
  'window',
];

export default tseslint.config(
  { ignores: ['dist', 'src/api/generated.ts'] },
  js.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', unusedRest],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CallExpression[callee.name="parseFloat"]',
          message: 'Amounts stay text; the widget does no arithmetic on them.',
        },
      ],
    },
  },
  { files: ['src/**/*.tsx'], extends: [a11y.flatConfigs.strict] },
  {
    files: ['**/*.mjs', '*.js'],
    rules: { 'no-unused-vars': ['error', unusedRest] },
    languageOptions: {
      globals: Object.fromEntries(
        [...nodeGlobals, ...pageGlobals].map((name) => [name, 'readonly']),
      ),
    },
  },
);
