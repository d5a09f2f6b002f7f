import { afterEach, describe, expect, it } from 'vitest';
import { readBoot } from './boot';

const page = (block: string | null): Document => {
  document.body.innerHTML = '';
  if (block !== null) {
    const script = document.createElement('script');
    script.type = 'application/json';
    script.id = 'pulse-boot';
    script.textContent = block;
    document.body.append(script);
  }
  return document;
};
const urls = { graphqlUrl: '/graphql', subscriptionUrl: '/graphql/ws' };

afterEach(() => {
  document.body.innerHTML = '';
});

describe('the boot block', () => {
  it('is read as the server writes it', () => {
    const boot = readBoot(
      page(
        JSON.stringify({
          ...urls,
          session: 's',
          expiresAt: '2026-11-23T12:00:00Z',
          contactId: 'native:person:1',
          company: '',
          preset: 'pipedrive',
          hostOrigins: ['https://crm.example', 7],
          renewal: 'pipedrive',
          tenant: 'acme',
          hardCap: '2026-11-23T20:00:00Z',
          sessionUrl: '/exchange/session',
          locale: 'de-AT',
          exchangeUrl: '/exchange/pipedrive',
        }),
      ),
    );
    expect(boot).toMatchObject({
      session: 's',
      company: null,
      preset: 'pipedrive',
      hostOrigins: ['https://crm.example'],
      renewal: 'pipedrive',
      tenant: 'acme',
      hardCap: '2026-11-23T20:00:00Z',
      sessionUrl: '/exchange/session',
    });
  });

  it.each([null, '', '{', '[]', '7', 'null', '{"session":"s"}'])('%j is none', (block) => {
    expect(readBoot(page(block))).toBeNull();
  });

  it('without a session or a host is still one', () => {
    expect(readBoot(page(JSON.stringify(urls)))).toMatchObject({
      session: null,
      hostOrigins: [],
      renewal: 'none',
    });
  });

  it.each(['host', 'pipedrive', 'monday', 'canvas', 'session', 'none'])(
    'names the renewal %s',
    (renewal) => {
      expect(readBoot(page(JSON.stringify({ ...urls, renewal })))?.renewal).toBe(renewal);
    },
  );

  it.each(['HOST', '', 7, null, '__proto__', 'constructor', ['host']])(
    'renews nothing by %j',
    (renewal) => {
      expect(readBoot(page(JSON.stringify({ ...urls, renewal })))?.renewal).toBe('none');
    },
  );
});
