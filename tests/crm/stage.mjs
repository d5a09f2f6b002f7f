// Runs commands against an installation of its own: the real program on a free port with a throw-away
// database, whose tenants and keys are registered by the commands that an operator would type. Beside
// it a server publishes the keys that CRMs publish. What the tests need of it stands in the file that
// PULSE_TEST_STAGE names.
//
//   node stage.mjs 'node --test …' 'python -m unittest …'

import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { ACCOUNTS, ISSUERS, AUDIENCES, shapes } from './shapes.mjs';

const binary = resolve(process.env.PULSE_TEST_BINARY ?? '../../target/debug/financial-pulse');
const folder = mkdtempSync(join(tmpdir(), 'pulse-crm-'));
const write = (name, text) => {
  const file = join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
};

// What CRMs sign with. Every key pair has a twin that nobody registered.
const pairs = { RS256: ['rsa', { modulusLength: 2048 }], ES256: ['ec', { namedCurve: 'P-256' }], EdDSA: ['ed25519', {}] };
const keys = {};
const published = [];
for (const [algorithm, [type, options]] of Object.entries(pairs)) {
  for (const whose of ['ours', 'theirs']) {
    const { publicKey, privateKey } = generateKeyPairSync(type, options);
    const name = `${algorithm}-${whose}`;
    keys[name] = {
      private: write(`${name}.private.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' })),
      public: write(`${name}.pem`, publicKey.export({ type: 'spki', format: 'pem' })),
    };
    if (whose === 'ours') published.push({ ...publicKey.export({ format: 'jwk' }), kid: name, use: 'sig' });
  }
}
const secrets = {};
for (const name of ['native', 'pipedrive', 'zendesk-proxy', 'atlassian-connect', 'monday', 'salesforce-canvas', 'hubspot', 'followupboss', 'front', 'nobody']) {
  const text = randomBytes(24).toString('hex');
  secrets[name] = { text, file: write(`${name}.secret`, `${text}\n`) };
}

// Where CRMs publish their public keys.
const installKeys = { [randomUUID()]: readFileSync(keys['RS256-ours'].public, 'utf8') };
const fetched = [];
const keyServer = createServer((request, response) => {
  if (request.url === '/jwks.json') {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ keys: published }));
  } else if (request.url.startsWith('/install-keys/')) {
    // Atlassian publishes each key as PEM, under its name.
    fetched.push(request.url);
    const pem = installKeys[request.url.slice('/install-keys/'.length)];
    setTimeout(() => (pem ? response.end(pem) : response.writeHead(404).end()), 50);
  } else if (request.url === '/fetched') {
    response.end(JSON.stringify(fetched));
  } else {
    response.writeHead(404).end();
  }
});
const listening = (server) =>
  new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
const keyPort = await listening(keyServer);
const socket = createSocket();
const port = await listening(socket);
await new Promise((done) => socket.close(done));

const url = `http://127.0.0.1:${port}`;
const env = {
  PATH: process.env.PATH,
  PULSE_SERVER__LISTEN: `127.0.0.1:${port}`,
  PULSE_SERVER__PUBLIC_URL: url,
  PULSE_DATABASE__URL: `sqlite:${join(folder, 'pulse.sqlite')}`,
  PULSE_ENCRYPTION__KEY: randomBytes(32).toString('hex'),
  PULSE_PIPEDRIVE__CLIENT_SECRET: secrets.pipedrive.text,
  PULSE_NATIVE__JWKS_ALLOW_LOOPBACK: 'true',
  PULSE_CRM__ATLASSIAN_INSTALL_KEYS_URL: `http://127.0.0.1:${keyPort}/install-keys/`,
  // Hundreds of refusals come from one address here.
  PULSE_LIMITS__ADDRESS_FAILURES_PER_MINUTE: '100000',
  PULSE_LIMITS__ADDRESS_REQUESTS_PER_MINUTE: '100000',
  PULSE_CRM__WEAK_PRESETS: 'followupboss,front',
};
const run = (...args) => {
  const ran = spawnSync(binary, args, { cwd: folder, env, encoding: 'utf8' });
  if (ran.status === 0) return ran.stdout;
  throw new Error(`financial-pulse ${args.join(' ')}\n${ran.stdout}${ran.stderr}${ran.error ?? ''}`);
};

let service;
const stop = () => {
  service?.kill();
  keyServer.close();
  rmSync(folder, { recursive: true, force: true });
};
const failed = (error) => {
  console.error(error);
  try {
    console.error(readFileSync(join(folder, 'service.log'), 'utf8').slice(-4000));
  } catch {
    // It had not begun.
  }
  stop();
  process.exit(1);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => failed(signal));

try {
  const jwks = `http://127.0.0.1:${keyPort}/jwks.json`;
  const tenant = (crm, ...args) => run('tenant', 'add', 'acme', '--crm', crm, ...args);
  const app = (crm, ...args) => {
    run('crm', 'key', 'add', crm, ...args);
    tenant(crm, '--account', ACCOUNTS[crm]);
  };
  tenant('native', '--secret-file', secrets.native.file, '--name', 'Acme');
  for (const algorithm of Object.keys(pairs)) {
    tenant('native', '--algorithm', algorithm, '--public-key-file', keys[`${algorithm}-ours`].public);
  }
  tenant('pipedrive', '--account', ACCOUNTS.pipedrive);
  tenant('zendesk', '--public-key-file', keys['RS256-ours'].public, '--issuer', ISSUERS.zendesk, '--audience', AUDIENCES.zendesk);
  tenant('zendesk-proxy', '--secret-file', secrets['zendesk-proxy'].file);
  tenant('atlassian-connect', '--secret-file', secrets['atlassian-connect'].file, '--issuer', ISSUERS['atlassian-connect']);
  tenant('salesforce', '--public-key-file', keys['RS256-ours'].public, '--issuer', ISSUERS.salesforce);
  tenant('front', '--secret-file', secrets.front.file);
  app('atlassian-forge', '--jwks-url', jwks, '--audience', AUDIENCES['atlassian-forge'], '--claim', 'contact=context.extension.issue.id');
  app('dynamics', '--jwks-url', jwks, '--audience', AUDIENCES.dynamics);
  for (const crm of ['monday', 'salesforce-canvas', 'hubspot', 'followupboss']) {
    app(crm, '--secret-file', secrets[crm].file);
  }
  // A tenant whose secret comes from Atlassian, and one that nobody is to get.
  const install = {};
  for (const id of ['jira', 'jira-too']) {
    run('tenant', 'add', id);
    install[id] = run('tenant', 'install', id).trim();
  }
  // Another tenant, whose doors nothing of the first may open.
  run('tenant', 'add', 'globex', '--crm', 'native', '--secret-file', secrets.nobody.file);

  const log = createWriteStream(join(folder, 'service.log'));
  service = spawn(binary, ['serve'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  service.stdout.pipe(log, { end: false });
  service.stderr.pipe(log, { end: false });
  const begun = Date.now();
  for (;;) {
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    if (answer?.ok) break;
    if (service.exitCode !== null || Date.now() - begun > 30_000) throw new Error('the service did not start');
    await new Promise((done) => setTimeout(done, 50));
  }

  const operator = { binary, folder, env };
  const stage = { url, operator, keys, secrets, install, installKid: Object.keys(installKeys)[0], keyServer: `http://127.0.0.1:${keyPort}`, shapes: shapes() };
  const file = write('stage.json', JSON.stringify(stage));
  for (const command of process.argv.slice(2)) {
    const status = await new Promise((done) => {
      const child = spawn(command, { shell: true, stdio: 'inherit', env: { ...process.env, PULSE_TEST_STAGE: file } });
      child.on('exit', (code) => done(code ?? 1));
    });
    if (status !== 0) throw new Error(`failed: ${command}`);
  }
  stop();
  process.exit(0);
} catch (error) {
  failed(error);
}
