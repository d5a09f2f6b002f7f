// Writes src/api/generated.ts from ../schema.graphql and src/api/operations/*.graphql: the types of
// what may be asked and answered, and each operation as one compact text with the fragments that it
// uses. The same texts go to operations.json by their SHA-256, from where the build takes them to the
// server: those are the documents that it trusts. Fails when an operation asks for something that the schema does not have.
//
// The library packages are used directly: the code generator's own command line cannot be installed
// from the registry.
import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { codegen } from '@graphql-codegen/core';
import * as operationTypes from '@graphql-codegen/typescript-operations';
import {
  Kind,
  buildSchema,
  concatAST,
  parse,
  print,
  stripIgnoredCharacters,
  validate,
  visit,
} from 'graphql';

const schemaFile = new URL('../schema.graphql', import.meta.url);
const operationsFolder = new URL('src/api/operations/', import.meta.url);
const output = new URL('src/api/generated.ts', import.meta.url);
const manifest = new URL('src/api/operations.json', import.meta.url);

/** Every custom scalar travels as text; amounts must never become a JavaScript number. */
const scalars = { Decimal: 'string', Date: 'string', DateTime: 'string', CurrencyCode: 'string' };

const schemaText = await readFile(schemaFile, 'utf8');
const schema = buildSchema(schemaText);

const names = (await readdir(operationsFolder)).filter((name) => name.endsWith('.graphql')).sort();
const documents = await Promise.all(
  names.map(async (name) => ({
    location: name,
    document: parse(await readFile(new URL(name, operationsFolder), 'utf8')),
  })),
);

const all = concatAST(documents.map(({ document }) => document));
const errors = validate(schema, all);
if (errors.length > 0) {
  console.error(errors.map(String).join('\n\n'));
  process.exit(1);
}

const types = await codegen({
  filename: 'generated.ts',
  schema: parse(schemaText),
  schemaAst: schema,
  documents,
  config: { scalars, strictScalars: true, enumType: 'string-literal', skipTypename: true },
  plugins: [{ types: {} }],
  pluginMap: { types: operationTypes },
});

const fragments = new Map(
  all.definitions
    .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
    .map((fragment) => [fragment.name.value, fragment]),
);

/** The fragments that a definition spreads, and those that these spread, each once. */
function usedFragments(definition, found = new Set()) {
  visit(definition, {
    FragmentSpread({ name }) {
      const fragment = fragments.get(name.value);
      if (!found.has(fragment)) {
        found.add(fragment);
        usedFragments(fragment, found);
      }
    },
  });
  return found;
}

const operations = all.definitions
  .filter((definition) => definition.kind === Kind.OPERATION_DEFINITION)
  .map((operation) => {
    const parts = [operation, ...usedFragments(operation)];
    const text = stripIgnoredCharacters(parts.map(print).join('\n'));
    const name = operation.name.value;
    const kind = operation.operation[0].toUpperCase() + operation.operation.slice(1);
    const line = `export const ${name}Document = ${JSON.stringify(text)} as Operation<${name}${kind}, ${name}${kind}Variables>;`;
    return { text, line };
  });

const hashed = operations.map(({ text }) => [
  createHash('sha256').update(text).digest('hex'),
  text,
]);
await writeFile(manifest, `${JSON.stringify(Object.fromEntries(hashed), null, 2)}\n`);

await writeFile(
  output,
  `// Made by codegen.mjs from ../schema.graphql; not to be edited, not in version control.

declare const answer: unique symbol;
declare const variables: unique symbol;
/** The text of an operation that carries the types of its answer and its variables. */
export type Operation<Answer, Variables> = string & { [answer]?: Answer; [variables]?: Variables };

${types}
${operations.map(({ line }) => line).join('\n')}
`,
);
