// Runs the demo of the built binary on ports of its own, in a folder of its own.
import { spawn, execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The binary under test: PULSE_BINARY, else the one that `make build` makes. */
const binary = resolve(
  process.env.PULSE_BINARY ??
    join(
      import.meta.dirname,
      '../../',
      process.env.CARGO_TARGET_DIR ?? 'target',
      'debug/financial-pulse',
    ),
);

const freePort = () =>
  new Promise((done, failed) => {
    const server = createServer();
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/**
 * Starts the demo and waits until its books are loaded.
 * @param {Record<string, string>} settings further environment, such as PULSE_SESSION__LIFETIME
 */
export async function startDemo(settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'pulse-demo-'));
  const [apiPort, crmPort, sandboxPort] = [await freePort(), await freePort(), await freePort()];
  const child = spawn(binary, ['demo'], {
    cwd: folder,
    env: {
      ...process.env,
      PULSE_DEMO_API_PORT: String(apiPort),
      PULSE_DEMO_CRM_PORT: String(crmPort),
      PULSE_DEMO_SANDBOX_PORT: String(sandboxPort),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const ended = new Promise((done) => child.once('exit', done));
  await new Promise((ready, failed) => {
    const timer = setTimeout(() => failed(new Error(`the demo did not start:\n${output}`)), 60_000);
    const heard = (data) => {
      output += data;
      if (output.includes('The books are loaded')) {
        clearTimeout(timer);
        ready();
      }
    };
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
    child.once('error', failed);
    ended.then(() => failed(new Error(`the demo ended:\n${output}`)));
  });
  const tenant = (...settings) =>
    execFileSync(binary, ['tenant', 'add', 'demo', ...settings], { cwd: folder });
  return {
    /** The service, as a browser reaches it. */
    api: `http://localhost:${apiPort}`,
    /** The CRM page, another origin. */
    crm: `http://127.0.0.1:${crmPort}`,
    /** The sandbox books. */
    sandbox: `http://127.0.0.1:${sandboxPort}`,
    /** A native token, minted by the command line. */
    token: (role, contact) =>
      execFileSync(
        binary,
        ['token', '--tenant', 'demo', '--role', role, ...(contact ? ['--contact', contact] : [])],
        { cwd: folder, encoding: 'utf8' },
      ).trim(),
    /** Lets a further origin frame the widget of the tenant `demo`. */
    allow: (origin) => {
      const ancestors = [`http://127.0.0.1:${crmPort}`, origin];
      tenant(...ancestors.flatMap((each) => ['--frame-ancestor', each]));
    },
    /** Takes tokens of Zendesk for the tenant `demo`; returns how to sign one. */
    zendesk: () => {
      const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const file = join(folder, 'zendesk.pem');
      writeFileSync(file, publicKey.export({ type: 'spki', format: 'pem' }));
      tenant(
        ...['--crm', 'zendesk', '--public-key-file', file],
        ...['--issuer', 'acme.zendesk.com', '--audience', 'installation 1'],
      );
      return () => {
        const iat = Math.floor(Date.now() / 1000);
        const parts = [
          { alg: 'RS256', typ: 'JWT' },
          { iss: 'acme.zendesk.com', aud: 'installation 1', sub: 'user-7', iat, exp: iat + 120 },
        ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
        const signed = sign('sha256', Buffer.from(parts.join('.')), privateKey);
        return [...parts, signed.toString('base64url')].join('.');
      };
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
