import { SignJWT } from 'jose';

/** A token that opens the pulse of one contact for one user, for five minutes. */
export async function pulseToken(
  secret: string,
  tenant: string,
  user: string,
  contact: string,
  company?: string,
): Promise<string> {
  return new SignJWT({ contact, ...(company !== undefined && { company }) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(tenant)
    .setAudience('financial-pulse')
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('5m')
    .setJti(crypto.randomUUID())
    .sign(new TextEncoder().encode(secret));
}
