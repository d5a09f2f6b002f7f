// Tokens signed by npm's libraries, shown at the doors of a running service.

import assert from 'node:assert/strict';
import { createHmac, createPrivateKey, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import atlassian from '@atlassian/atlassian-jwt';
import { Signature } from '@hubspot/api-client';
import { SignJWT } from 'jose';

import { address, enters, load, post, refused, said, show, stage, trade } from './doors.mjs';
import { ACCOUNTS, ISSUERS } from './shapes.mjs';

const secret = (name) => stage.secrets[name].text;
const now = () => Math.floor(Date.now() / 1000);

/** Signs a shape's claims, with some of them changed. */
const sign = async (shape, { changed = {}, key = shape.key, life = shape.life, age = 0 } = {}) => {
  const issued = now() - age;
  const claims = { ...shape.claims, iat: issued, exp: issued + life, jti: randomUUID(), ...changed };
  if (claims.nbf === 0) claims.nbf = issued;
  if (changed.exp) claims.exp = issued + changed.exp;
  const header = { alg: shape.algorithm, typ: 'JWT', ...(shape.kid && { kid: shape.kid }) };
  const material =
    shape.algorithm === 'HS256'
      ? new TextEncoder().encode(secret(key))
      : createPrivateKey(readFileSync(stage.keys[key].private));
  return new SignJWT(claims).setProtectedHeader(header).sign(material);
};

for (const shape of stage.shapes) {
  test(`jose: ${shape.name}`, async (t) => {
    await enters(await show(shape, await sign(shape)), shape.proves);
    const stranger = shape.algorithm === 'HS256' ? 'nobody' : `${shape.algorithm}-theirs`;
    const cases = {
      'another key': { key: stranger },
      'too old': { age: shape.life + 120 },
      ...Object.fromEntries(Object.entries(shape.wrong).map(([what, changed]) => [what, { changed }])),
    };
    for (const [what, spoiled] of Object.entries(cases)) {
      await t.test(`refused: ${what}`, async () => refused(await show(shape, await sign(shape, spoiled))));
    }
    await t.test('refused: without its signature', async () => {
      const [, claims] = (await sign(shape)).split('.');
      const header = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
      await refused(await show(shape, `${header}.${claims}.`));
    });
  });
}

test('a token opens nothing at another tenant', async () => {
  const shape = stage.shapes.find(({ name }) => name === 'native HS256');
  await refused(await load('/embed/globex/native', { token: await sign(shape) }));
  await refused(await load('/embed/acme/salesforce', { token: await sign(shape) }));
});

test('a public key is no secret', async () => {
  const shape = stage.shapes.find(({ name }) => name === 'native RS256');
  const pem = readFileSync(stage.keys['RS256-ours'].public);
  const token = await new SignJWT({ ...shape.claims, iat: now(), exp: now() + 60 })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(pem);
  await refused(await show(shape, token));
});

test('@atlassian/atlassian-jwt: atlassian-connect', async (t) => {
  const path = '/embed/acme/atlassian-connect';
  const query = 'contact=10001&company=project%3A7&lic=none&tz=Europe%2FBerlin&note=a%20b*~!%27()%26%3D%2B';
  const token = ({ key = 'atlassian-connect', life = 180, ...changed } = {}) => {
    const request = atlassian.fromMethodAndUrl('GET', `${path}?${query}`);
    const qsh = atlassian.createQueryStringHash(request, false);
    const claims = { iss: ISSUERS['atlassian-connect'], sub: '557058:anna', iat: now(), exp: now() + life, jti: randomUUID(), qsh };
    return atlassian.encodeSymmetric({ ...claims, ...changed }, secret(key));
  };
  const open = (jwt, asked = query) => fetch(`${stage.url}${path}?${asked}&jwt=${jwt}`);
  await enters(await open(token(), query), {
    preset: 'atlassian-connect',
    contactId: 'atlassian:issue:10001',
    company: 'atlassian:project:7',
  });
  const wrongs = {
    'another contact in the address': [token(), query.replace('10001', '10002')],
    'a parameter more': [token(), `${query}&more=1`],
    'a token for a context': [token({ qsh: 'context-qsh' }), query],
    'another key': [token({ key: 'nobody' }), query],
    'another site': [token({ iss: 'somebody' }), query],
    'a life of an hour': [token({ life: 3600 }), query],
    'the hash of a POST': [token({ qsh: atlassian.createQueryStringHash(atlassian.fromMethodAndUrl('POST', `${path}?${query}`), false) }), query],
  };
  for (const [what, [jwt, asked]] of Object.entries(wrongs)) {
    await t.test(`refused: ${what}`, async () => refused(await open(jwt, asked)));
  }
});

test('@hubspot/api-client: hubspot', async (t) => {
  // What HubSpot puts on the wire, and what it signs of it: with some characters not encoded.
  const query = `userId=9&userEmail=anna%40acme.com&portalId=${ACCOUNTS.hubspot}&appId=3`;
  const call = async ({ key = 'hubspot', version = 'v3', age = 0, signed = {}, sent = {} } = {}) => {
    const request = { query, body: '{"contact":"123"}' };
    const timestamp = Date.now() - age;
    const of = { ...request, ...signed };
    const signature = Signature.getSignature('POST', version, {
      clientSecret: secret(key),
      requestBody: of.body,
      url: `${stage.url}/exchange/hubspot?${of.query.replace('%40', '@')}`,
      timestamp,
    });
    const as = { ...request, ...sent };
    return fetch(`${stage.url}/exchange/hubspot?${as.query}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-HubSpot-Request-Timestamp': String(timestamp),
        ...(as.signature !== null && { 'X-HubSpot-Signature-v3': signature }),
      },
      body: as.body,
    });
  };
  const { code, url } = await said(await call());
  assert.equal(url, address('/embed/code', { code }));
  await enters(await fetch(url), { preset: 'hubspot', tenant: 'acme', contactId: 'hubspot:contact:123' });
  await t.test('refused: the code a second time', async () => refused(await fetch(url)));
  const wrongs = {
    'another secret': { key: 'nobody' },
    'six minutes old': { age: 360_000 },
    'an hour ahead': { age: -3_600_000 },
    'version 2, which names no time': { version: 'v2' },
    'another body': { sent: { body: '{"contact":"124"}' } },
    'another portal': { sent: { query: query.replace(ACCOUNTS.hubspot, '7654321') } },
    'a portal that nobody registered': { signed: { query: query.replace(ACCOUNTS.hubspot, '7654321') }, sent: { query: query.replace(ACCOUNTS.hubspot, '7654321') } },
    'portal and app without a signature': { sent: { signature: null } },
  };
  for (const [what, spoiled] of Object.entries(wrongs)) {
    await t.test(`refused: ${what}`, async () => refused(await call(spoiled)));
  }
});

test('atlassian-forge gives a code on demand, which opens the page once', async (t) => {
  const shape = stage.shapes.find(({ name }) => name === 'atlassian-forge');
  const { url } = await said(await trade('/exchange/atlassian-forge', await sign(shape), {}, { give: 'code' }));
  await enters(await fetch(url), shape.proves);
  await t.test('refused: a second time', async () => refused(await fetch(url)));
});

test('salesforce-canvas', async (t) => {
  const request = ({ key = 'salesforce-canvas', envelope = {}, organization = ACCOUNTS['salesforce-canvas'], after } = {}) => {
    const words = {
      algorithm: 'HMACSHA256',
      issuedAt: now(),
      userId: '005x0000001SyyE',
      client: { oauthToken: randomUUID(), instanceUrl: 'https://acme.my.salesforce.com' },
      context: {
        organization: { organizationId: organization },
        user: { userId: '005x0000001SyyE' },
        environment: { locationUrl: 'https://acme.lightning.force.com', record: { Id: '003x000000OTzqx' } },
      },
      ...envelope,
    };
    const text = Buffer.from(JSON.stringify(words)).toString('base64');
    const signature = createHmac('sha256', secret(key)).update(text).digest('base64');
    return `${signature}.${after ? after(text) : text}`;
  };
  const open = (signed_request) => post('/embed/salesforce-canvas', { signed_request });
  await enters(await open(request()), { preset: 'salesforce-canvas', contactId: 'salesforce:record:003x000000OTzqx' });
  const wrongs = {
    'another secret': request({ key: 'nobody' }),
    'an envelope that was changed': request({ after: (text) => Buffer.from(Buffer.from(text, 'base64').toString().replace('OTzqx', 'OTzqy')).toString('base64') }),
    'an algorithm of its own choice': request({ envelope: { algorithm: 'HMACSHA1' } }),
    'no time, where the settings do not allow that': request({ envelope: { issuedAt: null } }),
    'an hour old': request({ envelope: { issuedAt: now() - 3600 } }),
    'an organization that nobody registered': request({ organization: '00Dx0000000BV7y' }),
  };
  for (const [what, signed] of Object.entries(wrongs)) {
    await t.test(`refused: ${what}`, async () => refused(await open(signed)));
  }
});

test('followupboss', async (t) => {
  const open = ({ key = 'followupboss', account = 77, changed = {}, sent } = {}) => {
    const words = {
      account: { id: account, domain: 'acme' },
      context: 'person',
      person: { id: 42, emails: [] },
      user: { id: 9, email: 'anna@acme.com' },
      ...changed,
    };
    const context = Buffer.from(JSON.stringify(words)).toString('base64url');
    const signature = createHmac('sha256', secret(key)).update(context).digest('hex');
    return load('/embed/followupboss', { context: sent ?? context, signature });
  };
  await enters(await open(), { preset: 'followupboss', contactId: 'followupboss:person:42' });
  const wrongs = {
    'another secret': { key: 'nobody' },
    'another context': { sent: Buffer.from('{"account":{"id":77},"user":{"id":9},"person":{"id":43}}').toString('base64url') },
    'an account that nobody registered': { account: 78 },
    'a preview': { changed: { example: true } },
  };
  for (const [what, spoiled] of Object.entries(wrongs)) {
    await t.test(`refused: ${what}`, async () => refused(await open(spoiled)));
  }
});

test('front', async (t) => {
  await enters(await load('/embed/acme/front', { auth_secret: secret('front'), contact: '5' }), {
    preset: 'front',
    contactId: 'front:contact:5',
    role: 'REP',
  });
  await t.test('refused: another secret', async () =>
    refused(await load('/embed/acme/front', { auth_secret: secret('nobody') })));
  await t.test('refused: the secret of another scheme', async () =>
    refused(await load('/embed/acme/front', { auth_secret: secret('native') })));
  await t.test('refused: no secret', async () => refused(await load('/embed/acme/front', {})));
});
