import { afterEach, describe, expect, it, vi } from 'vitest';
import { renewalOf, startPipedrive, type PipedriveStart } from './host';
import * as pipedrive from './pipedrive';

const bridge = { connected: true, requestToken: () => Promise.resolve('from the page') };
const boot = { canRenew: true, exchangeUrl: '/exchange/demo/native' };

function answering(status: number, body: unknown) {
  const asked = vi.fn<typeof fetch>(() =>
    Promise.resolve(new Response(JSON.stringify(body), { status })),
  );
  vi.stubGlobal('fetch', asked);
  return asked;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('renewal', () => {
  it('is none where the CRM, the page or the way is missing', () => {
    expect(renewalOf({ ...boot, canRenew: false }, bridge, null)).toBeNull();
    expect(renewalOf({ ...boot, exchangeUrl: null }, bridge, null)).toBeNull();
    expect(renewalOf(boot, { ...bridge, connected: false }, null)).toBeNull();
  });

  it('trades the page’s token for a session', async () => {
    const expiresAt = '2026-11-23T12:00:00Z';
    const asked = answering(200, { session: 's', expiresAt });
    const renewal = renewalOf(boot, bridge, null);
    expect(await renewal?.()).toEqual({ token: 's', expiresAt: Date.parse(expiresAt) });
    const [url, request] = asked.mock.calls[0] ?? [];
    expect(url).toBe('/exchange/demo/native');
    expect(request).toMatchObject({ method: 'POST', credentials: 'omit' });
    expect(request?.body).toBe('{"token":"from the page"}');
  });

  it.each([
    [401, { errors: [] }],
    [200, { session: 's' }],
    [200, { session: '', expiresAt: '2026-11-23T12:00:00Z' }],
    [200, { session: 's', expiresAt: 'later' }],
  ])('fails on an answer %s %j', async (status, body) => {
    answering(status, body);
    await expect(renewalOf(boot, bridge, null)?.()).rejects.toThrow();
  });

  it('asks Pipedrive’s kit for a signed token', async () => {
    const asked = answering(200, { session: 's', expiresAt: '2026-11-23T12:00:00Z' });
    const execute = vi.fn(() => Promise.resolve({ token: 'from Pipedrive' }));
    const started = Promise.resolve({ sdk: { execute }, pipedrive }) as unknown as PipedriveStart;
    await renewalOf(boot, { ...bridge, connected: false }, started)?.();
    expect(execute).toHaveBeenCalledWith('get_signed_token');
    expect(asked.mock.calls[0]?.[1]?.body).toBe('{"token":"from Pipedrive"}');
  });

  it('fails where Pipedrive’s kit did not start', async () => {
    const renewal = renewalOf(boot, bridge, startPipedrive(null));
    await expect(renewal?.()).rejects.toThrow('no id');
  });
});
