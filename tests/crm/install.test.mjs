// Installing at Atlassian: the calls that its library signs (RS256), the keys served as Atlassian
// publishes them, and then the page under the secret that was handed over.

import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import atlassian from '@atlassian/atlassian-jwt';

import { enters, operator, refused, stage } from './doors.mjs';

const SITE = 'jira-client-key';
const now = () => Math.floor(Date.now() / 1000);
const secret = () => randomBytes(32).toString('hex');
const hash = (method, path) => atlassian.createQueryStringHash(atlassian.fromMethodAndUrl(method, path), false);

/** What Atlassian posts when the app is installed or removed. */
const call = async (path, { site = SITE, shared, key = 'RS256-ours', kid = stage.installKid, changed = {}, bare, body } = {}) => {
  const claims = { iss: site, aud: [stage.url], iat: now(), exp: now() + 180, qsh: hash('POST', path), ...changed };
  const pem = readFileSync(stage.keys[key].private, 'utf8');
  const token = atlassian.encodeAsymmetric(claims, pem, 'RS256', { kid });
  return fetch(stage.url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(!bare && { Authorization: `JWT ${token}` }) },
    body: body ?? JSON.stringify({ key: 'financial-pulse.jira', clientKey: site, sharedSecret: shared, baseUrl: 'https://acme.atlassian.net', productType: 'jira' }),
  });
};

const page = (shared, site = SITE, tenant = 'jira') => {
  const path = `/embed/${tenant}/atlassian-connect?contact=issue:10001`;
  const claims = { iss: site, sub: '557058:anna', iat: now(), exp: now() + 180, qsh: hash('GET', path), jti: randomUUID() };
  return fetch(`${stage.url}${path}&jwt=${atlassian.encodeSymmetric(claims, shared)}`);
};

const accepted = async (answer) => assert.equal(answer.status, 204, await answer.text());

test('a site installs by the address that the operator gave out', async (t) => {
  const descriptor = await (await fetch(stage.install.jira)).json();
  assert.equal(descriptor.baseUrl, stage.url);
  assert.match(descriptor.modules.webPanels[0].url, /^\/embed\/jira\/atlassian-connect\?contact=issue:\{issue\.id\}$/);
  const { installed, uninstalled } = descriptor.lifecycle;
  const first = secret();

  const wrongs = {
    'a code that nobody gave out': [installed.replace(/[^/]+\/installed$/, 'AAAA/installed')],
    'the code of another tenant': [installed.replace('/jira/', '/jira-too/')],
    'a key of somebody else': [installed, { key: 'RS256-theirs' }],
    'a kid that is a path': [installed, { kid: `../install-keys/${stage.installKid}` }],
    'a kid that nobody published': [installed, { kid: randomUUID() }],
    'another app': [installed, { changed: { aud: ['https://somebody.example'] } }],
    'the hash of another address': [installed, { changed: { qsh: hash('POST', uninstalled) } }],
    'the issuer of another site': [installed, { changed: { iss: 'somebody' } }],
    'too old': [installed, { changed: { iat: now() - 600, exp: now() - 400 } }],
    'no token': [installed, { bare: true }],
    'no token, and a body that cannot be read': [installed, { bare: true, body: '{' }],
    'a tenant that cannot be': [installed.replace('/jira/', '/%00/')],
  };
  for (const [what, [path, wrong]] of Object.entries(wrongs)) {
    await t.test(`refused: ${what}`, async () => {
      await refused(await call(path, { shared: first, ...wrong }));
      await refused(await page(first));
    });
  }
  await t.test('a secret that is too short is named as such', async () => {
    const answer = await call(installed, { shared: 'short' });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /at least 32 bytes/);
  });

  await accepted(await call(installed, { shared: first }));
  await enters(await page(first), { tenant: 'jira', contactId: 'atlassian:issue:10001' });
  await refused(await page(first, 'somebody'));

  await t.test('another site is refused from then on', async () =>
    refused(await call(installed, { shared: secret(), site: 'another-site' })));

  await t.test('the same site changes its secret, and the earlier one counts for a while', async () => {
    const second = secret();
    await accepted(await call(installed, { shared: second }));
    await enters(await page(second), { tenant: 'jira' });
    await enters(await page(first), { tenant: 'jira' });
  });

  await t.test('another site cannot take it back', async () =>
    refused(await call(uninstalled, { site: 'another-site' })));
  await accepted(await call(uninstalled));
  await refused(await page(first));
  await t.test('a spent code installs nobody', async () => refused(await call(installed, { shared: secret() })));
});

test('each key was fetched once, and nothing but keys', async () => {
  const fetched = await (await fetch(`${stage.keyServer}/fetched`)).json();
  const named = fetched.filter((path) => path === `/install-keys/${stage.installKid}`);
  assert.equal(named.length, 1, fetched.join('\n'));
  assert.equal(fetched.length, 2, fetched.join('\n'));
});

test('of several who use one code at once, one installs', async () => {
  const { lifecycle } = await (await fetch(stage.install['jira-too'])).json();
  const shared = [secret(), secret(), secret(), secret()];
  const answers = await Promise.all(
    shared.map((one, index) => call(lifecycle.installed, { shared: one, site: `site-${index}` })),
  );
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [204, 401, 401, 401]);
  const winner = answers.findIndex(({ status }) => status === 204);
  await enters(await page(shared[winner], `site-${winner}`, 'jira-too'), { tenant: 'jira-too' });
});

test('a site whose key has an end, however late, installs nothing, and another may by a new code', async (t) => {
  const invite = async () => (await (await fetch(operator('tenant', 'install', 'jira-moves').trim())).json()).lifecycle;
  operator('tenant', 'add', 'jira-moves');
  const first = secret();
  const [old, moved] = ['old-site', 'new-site'];
  const { installed } = await invite();
  await accepted(await call(installed, { shared: first, site: old }));
  const [, key] = /jira-moves .*atlassian-connect HS256 (\S+)/.exec(operator('tenant', 'list'));
  operator('tenant', 'retire-key', 'jira-moves', '--key', key, '--after-seconds', '3600');

  await t.test('its pages come until then', async () => enters(await page(first, old, 'jira-moves'), { tenant: 'jira-moves' }));
  await t.test('it gives itself no new secret', async () =>
    refused(await call(installed, { shared: secret(), site: old })));

  const invited = await invite();
  const second = secret();
  await accepted(await call(invited.installed, { shared: second, site: moved }));
  await enters(await page(second, moved, 'jira-moves'), { tenant: 'jira-moves' });
  await enters(await page(first, old, 'jira-moves'), { tenant: 'jira-moves' });
  await t.test('the retired one does not take back what the new one has', async () =>
    refused(await call(invited.uninstalled, { site: old })));
  await t.test('the new one installs again and again without a code', async () => {
    for (const shared of [secret(), secret()]) {
      await accepted(await call(invited.installed, { shared, site: moved }));
      await enters(await page(shared, moved, 'jira-moves'), { tenant: 'jira-moves' });
    }
    await enters(await page(second, moved, 'jira-moves'), { tenant: 'jira-moves' });
  });
  await accepted(await call(invited.uninstalled, { site: moved }));
  await refused(await page(second, moved, 'jira-moves'));
});
