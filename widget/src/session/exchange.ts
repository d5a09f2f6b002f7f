import { ApiError, fromStatus } from '../api/errors';
import { credentialsOf } from './credentials';
import type { ServerClock } from './server-clock';
import type { Credentials } from './session';

/** What a token was traded for. */
export interface Exchanged {
  readonly credentials: Credentials;
  readonly tenant: string;
  readonly contactId: string | null;
}

/** Trades a token that the CRM signed, or a session that still lives, for a session of ours. */
export async function exchange(
  url: string,
  shown: Readonly<Record<string, string>>,
  clock: ServerClock,
): Promise<Exchanged> {
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(shown),
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
    });
  } catch {
    throw new ApiError('NETWORK');
  }
  // The end of the new session is told by the server's clock.
  clock.observe(answer.headers.get('date'));
  if (!answer.ok) throw fromStatus(answer.status);
  const body = (await answer.json()) as Readonly<Record<string, unknown>>;
  const credentials = credentialsOf(body.session, body.expiresAt, body.hardCap);
  const { tenant, contactId } = body;
  if (!credentials || typeof tenant !== 'string') throw new ApiError('INTERNAL');
  return { credentials, tenant, contactId: typeof contactId === 'string' ? contactId : null };
}
