import { afterEach, describe, expect, it, vi } from 'vitest';
import { Session } from '../session/session';
import { Client } from './client';
import { fromStatus, fromWire } from './errors';
import type { Operation } from './generated';
import { retryWait } from './live';
import { socketUrl } from './socket-url';

const operation: Operation<{ viewer: string }, object> = '{ viewer }';
const bearer = (token: string) => ({ token, expiresAt: Date.now() + 60_000, hardCap: null });

function answering(...answers: (() => Response)[]) {
  const asked = vi.fn<typeof fetch>(() => {
    const next = answers.length > 1 ? answers.shift() : answers[0];
    return next ? Promise.resolve(next()) : Promise.reject(new TypeError('away'));
  });
  vi.stubGlobal('fetch', asked);
  return asked;
}
const json = (status: number, body: unknown) => () =>
  new Response(JSON.stringify(body), { status });
const refused = json(401, { errors: [{ message: 'no', extensions: { code: 'UNAUTHENTICATED' } }] });

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('the client', () => {
  it('sends the bearer in its header and nowhere else', async () => {
    const asked = answering(json(200, { data: { viewer: 'Kim' } }));
    const client = new Client('/graphql', new Session(bearer('secret'), null));
    expect(await client.ask(operation, {})).toEqual({ viewer: 'Kim' });
    const [url, request] = asked.mock.calls[0] ?? [];
    expect(url).toBe('/graphql');
    expect(request?.headers).toMatchObject({ authorization: 'Bearer secret' });
    expect(request?.body).not.toContain('secret');
    expect(request?.credentials).toBe('omit');
  });

  it('renews a refused bearer once and asks again', async () => {
    const asked = answering(refused, json(200, { data: { viewer: 'Kim' } }));
    const session = new Session(bearer('old'), {
      get: () => Promise.resolve(bearer('new')),
      fromItself: false,
    });
    expect(await new Client('/graphql', session).ask(operation, {})).toEqual({ viewer: 'Kim' });
    expect(asked.mock.calls.map(([, request]) => request?.headers)).toMatchObject([
      { authorization: 'Bearer old' },
      { authorization: 'Bearer new' },
    ]);
  });

  it('brings nothing that arrives after the session has ended', async () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    vi.stubGlobal('fetch', () =>
      Promise.resolve(new Response('{"data":{"viewer":"Kim"}}', { headers: { date } })),
    );
    const session = new Session(bearer('short'), null);
    session.start({ renewed: () => undefined, ended: () => undefined });
    await expect(new Client('/graphql', session).ask(operation, {})).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
  });

  it('does not go round and round', async () => {
    const asked = answering(refused);
    const session = new Session(bearer('old'), {
      get: () => Promise.resolve(bearer('new')),
      fromItself: false,
    });
    await expect(new Client('/graphql', session).ask(operation, {})).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it.each([
    [
      'an error by its code',
      json(200, { errors: [{ message: '', extensions: { code: 'NOT_FOUND' } }] }),
      'NOT_FOUND',
    ],
    [
      'a code that it does not know',
      json(200, { errors: [{ message: '', extensions: { code: 'NEW' } }] }),
      'INTERNAL',
    ],
    ['a page of a proxy', () => new Response('<html>', { status: 502 }), 'NETWORK'],
    ['an empty answer', json(429, {}), 'RATE_LIMITED'],
  ])('knows %s', async (_, answer, code) => {
    answering(answer);
    const client = new Client('/graphql', new Session(bearer('secret'), null));
    await expect(client.ask(operation, {})).rejects.toMatchObject({ code });
  });

  it('takes data that comes beside an error of a part', async () => {
    answering(json(200, { data: { viewer: 'Kim' }, errors: [{ message: 'a part' }] }));
    const client = new Client('/graphql', new Session(bearer('secret'), null));
    expect(await client.ask(operation, {})).toEqual({ viewer: 'Kim' });
  });

  it('says that nobody answered', async () => {
    answering();
    const client = new Client('/graphql', new Session(bearer('secret'), null));
    await expect(client.ask(operation, {})).rejects.toMatchObject({ code: 'NETWORK' });
  });
});

describe('error codes', () => {
  it('come from the first error, or from the status', () => {
    expect(fromWire([]).code).toBe('INTERNAL');
    expect(fromWire([{ message: 'x', extensions: { code: 'FORBIDDEN' } }]).code).toBe('FORBIDDEN');
    expect([400, 401, 403, 404, 429, 500, 503].map((status) => fromStatus(status).code)).toEqual([
      'BAD_USER_INPUT',
      'UNAUTHENTICATED',
      'FORBIDDEN',
      'NOT_FOUND',
      'RATE_LIMITED',
      'INTERNAL',
      'NETWORK',
    ]);
  });
});

describe('the subscription', () => {
  it('waits longer each time, within bounds, and not all at once', () => {
    const most = [0, 1, 2, 3, 20, 500].map((retries) => retryWait(retries, () => 1));
    expect(most).toEqual([500, 1_000, 2_000, 4_000, 30_000, 30_000]);
    expect(retryWait(3, () => 0)).toBe(2_000);
  });

  it('goes to this page’s host, by the socket’s protocol', () => {
    expect(socketUrl('/graphql/ws', 'https://pulse.example/embed/x')).toBe(
      'wss://pulse.example/graphql/ws',
    );
    expect(socketUrl('http://127.0.0.1:8080/ws', 'https://a.example')).toBe(
      'ws://127.0.0.1:8080/ws',
    );
  });
});
