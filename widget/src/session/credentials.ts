import type { Credentials } from './session';

/** A session from its texts; `null` where the bearer or its end is missing or no instant. */
export function credentialsOf(
  session: unknown,
  expiresAt: unknown,
  hardCap: unknown,
): Credentials | null {
  const end = instant(expiresAt);
  if (typeof session !== 'string' || session === '' || end === null) return null;
  return { token: session, expiresAt: end, hardCap: instant(hardCap) };
}

function instant(text: unknown): number | null {
  const at = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}
