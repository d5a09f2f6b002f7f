import { ApiError, fromStatus } from '../api/errors';
import type { Credentials } from './session';

/** Trades a token that the CRM signed for a session of ours. */
export async function exchange(url: string, token: string): Promise<Credentials> {
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ token }),
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      cache: 'no-store',
    });
  } catch {
    throw new ApiError('NETWORK');
  }
  if (!answer.ok) throw fromStatus(answer.status);
  const body = (await answer.json()) as { session?: unknown; expiresAt?: unknown };
  const credentials = credentialsOf(body.session, body.expiresAt);
  if (!credentials) throw new ApiError('INTERNAL');
  return credentials;
}

/** A session from its two texts; `null` where one is missing or no instant. */
export function credentialsOf(session: unknown, expiresAt: unknown): Credentials | null {
  if (typeof session !== 'string' || session === '' || typeof expiresAt !== 'string') return null;
  const end = Date.parse(expiresAt);
  return Number.isNaN(end) ? null : { token: session, expiresAt: end };
}
