// Serves the built widget with the answers of fixtures.mjs: `/embed/NAME` opens a scenario, `/` lists
// them, and `POST /pay/NAME` pushes a changed pulse into every page that has it open. Speaks to this
// machine only, on the port of `PULSE_FIXTURES_PORT` (8099).
import { once, on, EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { answer, paid, pushes, scenarios, schema } from './fixtures.mjs';
import * as hosts from './hosts.mjs';

const dist = new URL('../dist/', import.meta.url);
const types = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html' };

/** The policy that the server sends with the page. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'";

/** The page with the boot block in it, as the server writes it. */
async function page(name) {
  const boot = {
    session: name,
    ...lifeOf(name),
    contactId: 'native:person:1',
    company: null,
    preset: 'native',
    tenant: 'demo',
    hostOrigins: [],
    renewal: 'none',
    locale: 'en-US',
    exchangeUrl: `/exchange/${name}`,
    sessionUrl: '/exchange/session',
    graphqlUrl: '/graphql',
    subscriptionUrl: '/graphql/ws',
    ...scenarios[name].boot,
  };
  const html = await readFile(new URL('index.html', dist), 'utf8');
  const block = JSON.stringify(boot).replaceAll('<', '\\u003c');
  return html.replace(
    '</body>',
    `<script type="application/json" id="pulse-boot">${block}</script></body>`,
  );
}

/** Until when the sessions of a scenario can be renewed from themselves. */
const caps = new Map();

/** How long a session lasts that begins now. */
function lifeOf(name) {
  const { lastsMs = 600_000, capMs = 28_800_000 } = scenarios[name];
  if (!caps.has(name)) caps.set(name, Date.now() + capMs);
  const end = Math.min(Date.now() + lastsMs, caps.get(name));
  return {
    expiresAt: new Date(end).toISOString(),
    hardCap: new Date(caps.get(name)).toISOString(),
  };
}

/** A session for a token: of the CRM's, or for the session that still lives. */
function exchange(name, { token, contact }) {
  const scenario = name === 'session' ? token : name;
  if (!(scenario in scenarios) || (name !== 'session' && token !== 'fresh')) return null;
  const contactId = contact ? `${scenario}:${contact}` : 'native:person:1';
  return { session: scenario, tenant: 'demo', contactId, ...lifeOf(scenario) };
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

const bearer = (text) => /^Bearer (\w+)$/.exec(text ?? '')?.[1];

/** Starts the server; returns its address and the way to stop it. */
export async function start(port = 0) {
  const payments = new EventEmitter();
  const exchanged = [];

  const server = createServer((request, response) => {
    const send = (status, type, text, headers = {}) => {
      response.writeHead(status, { 'content-type': type, ...headers });
      response.end(text);
    };
    const serve = async () => {
      const { pathname } = new URL(request.url, 'http://localhost');
      const [, folder, name = ''] = pathname.split('/');
      if (pathname === '/') {
        const links = Object.keys(scenarios).map((key) => `<li><a href="/embed/${key}">${key}</a>`);
        send(200, 'text/html', `<!doctype html><ul>${links.join('')}</ul>`);
      } else if (pathname === '/favicon.ico') {
        send(204, 'text/plain');
      } else if (folder === 'embed' && name in scenarios) {
        caps.delete(name);
        send(200, 'text/html', await page(name), { 'content-security-policy': policy });
      } else if (folder === 'assets' && /^[\w.-]+$/.test(name)) {
        const type = types[name.slice(name.lastIndexOf('.'))];
        send(200, type, await readFile(new URL(`assets/${name}`, dist)));
      } else if (folder === 'host' && Object.hasOwn(hosts, name)) {
        const { port } = server.address();
        const forger = `http://127.0.0.1:${port}/host/forger`;
        send(200, 'text/html', hosts[name](`http://localhost:${port}`, forger));
      } else if (folder === 'exchange' && request.method === 'POST') {
        const shown = await body(request);
        exchanged.push({ at: name, ...shown });
        const given = exchange(name, shown);
        if (given) send(200, 'application/json', JSON.stringify(given));
        else send(401, 'application/json', '{}');
      } else if (folder === 'pay' && request.method === 'POST') {
        payments.emit(name, paid);
        send(204, 'text/plain', undefined);
      } else if (folder === 'graphql' && request.method === 'POST') {
        const scenario = scenarios[bearer(request.headers.authorization)];
        if (scenario.hangs) return;
        const { query, variables } = await body(request);
        const result = scenario.fails
          ? { errors: [{ message: 'refused', extensions: { code: scenario.fails.code } }] }
          : { data: await answer(scenario, query, variables) };
        send(200, 'application/graphql-response+json', JSON.stringify(result));
      } else {
        send(404, 'text/plain', 'not found');
      }
    };
    serve().catch((error) => {
      console.error(error);
      send(500, 'text/plain', String(error));
    });
  });

  const sockets = new WebSocketServer({ server, path: '/graphql/ws' });
  useServer(
    {
      schema,
      subscribe: ({ contextValue, document, variableValues }) => {
        const name = bearer(contextValue.connectionParams?.authorization);
        const changes = (async function* changed() {
          for await (const [pulse] of on(payments, name)) yield pulse;
        })();
        return pushes(scenarios[name], document.loc.source.body, variableValues, changes);
      },
      context: (context) => context,
    },
    sockets,
  );

  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** What was shown for sessions, in order. */
    exchanged,
    stop() {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
      server.closeAllConnections();
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { url } = await start(Number(process.env.PULSE_FIXTURES_PORT ?? 8099));
  console.log(`The scenarios are at ${url}`);
}
