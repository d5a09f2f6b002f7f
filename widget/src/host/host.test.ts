import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Boot, Renewing } from '../boot';
import { ServerClock } from '../session/server-clock';
import { Host } from './host';
import { protocol } from './messages';

const crm = 'https://crm.example';
const expiresAt = '2026-11-23T12:00:00Z';
const given = { session: 's', expiresAt, tenant: 'acme', contactId: 'native:person:1' };

const boot = (renewal: Renewing, more: Partial<Boot> = {}): Boot => ({
  session: 'first',
  expiresAt,
  hardCap: null,
  contactId: 'native:person:1',
  company: null,
  preset: 'native',
  tenant: 'acme',
  hostOrigins: [crm],
  renewal,
  locale: null,
  exchangeUrl: '/exchange/acme/native',
  sessionUrl: '/exchange/session',
  graphqlUrl: '/graphql',
  subscriptionUrl: '/graphql',
  ...more,
});

/** A window in a page that answers requests for a token with these. */
function framed(...tokens: string[]) {
  let hear: ((event: MessageEvent) => void) | undefined;
  const parent = {
    postMessage: ({ type, id }: { type: string; id?: string }) => {
      const token = tokens.shift();
      if (type !== 'pulse:renew' || token === undefined) return;
      const data = { type: 'pulse:token', protocol, id, token };
      hear?.({ data, origin: crm, source: parent } as unknown as MessageEvent);
    },
  };
  return {
    parent,
    location: {},
    addEventListener: (_: string, listener: (event: MessageEvent) => void) => {
      hear = listener;
    },
  } as unknown as Window;
}

function answering(status: number, body: unknown) {
  const asked = vi.fn<typeof fetch>(() =>
    Promise.resolve(new Response(JSON.stringify(body), { status })),
  );
  vi.stubGlobal('fetch', asked);
  return asked;
}

const hostOf = (of: Boot, self: Window = framed(), clock = new ServerClock()): Host =>
  new Host(of, new URLSearchParams(), clock, () => undefined, self);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('renewal', () => {
  it('trades the page’s token for a session', async () => {
    const asked = answering(200, { ...given, hardCap: '2026-11-23T20:00:00Z' });
    const host = hostOf(boot('host'), framed('from the page'));
    expect(await host.renew('first')).toEqual({
      token: 's',
      expiresAt: Date.parse(expiresAt),
      hardCap: Date.parse('2026-11-23T20:00:00Z'),
    });
    const [url, request] = asked.mock.calls[0] ?? [];
    expect(url).toBe('/exchange/acme/native');
    expect(request).toMatchObject({ method: 'POST', credentials: 'omit' });
    expect(request?.body).toBe('{"token":"from the page"}');
  });

  it('trades the session that stands, where the CRM gives no tokens', async () => {
    const asked = answering(200, given);
    await hostOf(boot('session')).renew('standing');
    const [url, request] = asked.mock.calls[0] ?? [];
    expect(url).toBe('/exchange/session');
    expect(request?.body).toBe('{"token":"standing"}');
    await expect(hostOf(boot('session')).renew(null)).rejects.toThrow('no session');
    expect(asked).toHaveBeenCalledOnce();
  });

  it.each([
    ['refused', 401, { errors: [] }],
    ['without an end', 200, { ...given, expiresAt: undefined }],
    ['empty', 200, { ...given, session: '' }],
    ['with an end that is no instant', 200, { ...given, expiresAt: 'later' }],
    ['without a tenant', 200, { ...given, tenant: undefined }],
    ['of another tenant', 200, { ...given, tenant: 'globex' }],
    ['about another contact', 200, { ...given, contactId: 'native:person:2' }],
    ['about no contact', 200, { ...given, contactId: null }],
  ])('does not take a session %s', async (_, status, body) => {
    answering(status, body);
    await expect(hostOf(boot('host'), framed('t')).renew('first')).rejects.toThrow();
    await expect(hostOf(boot('session')).renew('first')).rejects.toThrow();
  });

  it.each<[string, Partial<Boot>]>([
    ['nobody gives tokens', { renewal: 'none' }],
    ['there is nowhere to trade', { exchangeUrl: null }],
    ['the page is not one of those listed', { hostOrigins: [] }],
  ])('fails where %s', async (_, more) => {
    const asked = answering(200, given);
    await expect(hostOf({ ...boot('host'), ...more }, framed('t')).renew('a')).rejects.toThrow();
    expect(asked).not.toHaveBeenCalled();
  });

  it('takes the server’s time from the answer', async () => {
    const clock = new ServerClock();
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    vi.stubGlobal('fetch', () =>
      Promise.resolve(new Response(JSON.stringify(given), { headers: { date } })),
    );
    await hostOf(boot('host'), framed('t'), clock).renew('first');
    expect(clock.now() - Date.now()).toBeGreaterThan(3_590_000);
  });

  it('fails where Pipedrive’s kit did not start, or the CRM is silent', async () => {
    await expect(hostOf(boot('pipedrive')).renew('first')).rejects.toThrow('no id');
    const silent = expect(hostOf(boot('host')).renew('first')).rejects.toThrow('no token');
    await vi.advanceTimersByTimeAsync(10_001);
    await silent;
  });
});
