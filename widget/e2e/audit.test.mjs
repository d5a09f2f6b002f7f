// GraphQL over HTTP by its specification: every check of the published audit against the running
// service, with a native token as an integrator would use it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { startDemo } from './demo.mjs';

let demo;
let token;

before(async () => {
  demo = await startDemo();
  token = demo.token('finance');
});

after(async () => {
  await demo?.stop();
});

const audits = serverAudits({
  url: () => `${demo.api}/graphql`,
  fetchFn: (url, options = {}) =>
    fetch(url, {
      ...options,
      headers: { ...options.headers, authorization: `Bearer ${token}` },
    }),
});

test('there are audits to run', () => {
  assert.ok(audits.length >= 61, `only ${audits.length}`);
});

for (const audit of audits) {
  test(`${audit.id} ${audit.name}`, async (t) => {
    const result = await audit.fn();
    if (result.status === 'ok') return;
    // What the specification only allows (MAY) is no failure, and is told all the same.
    if (result.status === 'notice') {
      t.diagnostic(`notice: ${result.reason}`);
      return;
    }
    assert.fail(`${result.status}: ${result.reason}`);
  });
}
