// The documentation's snippets, run as they stand: what they mint opens the page.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { enters, load, refused, stage } from './doors.mjs';

const run = (program, ...args) => execFileSync(program, args, { encoding: 'utf8' }).trim();

run(process.execPath, 'node_modules/typescript/bin/tsc', '--project', 'snippets');
const { pulseToken } = await import('./node_modules/.snippets/pulse_token.js');

const languages = {
  PHP: (args) => run('php', '-r', 'require "snippets/pulse_token.php"; echo pulse_token(...array_slice($argv, 1));', '--', ...args),
  Python: (args) =>
    run(
      process.env.PULSE_TEST_PYTHON,
      '-c',
      'import sys; sys.path.insert(0, "snippets"); from pulse_token import pulse_token; print(pulse_token(*sys.argv[1:]))',
      ...args,
    ),
  TypeScript: (args) => pulseToken(...args),
};

for (const [language, mint] of Object.entries(languages)) {
  test(`the snippet in ${language}`, async (t) => {
    const open = async (...args) => load('/embed/acme/native', { token: await mint(args) });
    const secret = stage.secrets.native.text;
    await enters(await open(secret, 'acme', 'user-7', 'person:42', 'company:9'), {
      tenant: 'acme',
      contactId: 'native:person:42',
      company: 'native:company:9',
      role: 'REP',
    });
    await enters(await open(secret, 'acme', 'user-7', 'company:Müller & Söhne'), {
      contactId: 'native:company:Müller & Söhne',
      company: null,
    });
    await t.test('refused: a wrong secret', async () =>
      refused(await open(stage.secrets.nobody.text, 'acme', 'user-7', 'person:42')));
    await t.test('refused: another tenant', async () => refused(await open(secret, 'globex', 'user-7', 'person:42')));
    assert.notEqual(await mint([secret, 'acme', 'u', 'p']), await mint([secret, 'acme', 'u', 'p']), 'no token twice');
  });
}
