/** Which CRM shows the page; decides how a session is renewed. */
export type Preset = 'native' | 'pipedrive' | (string & {});

/** What the server writes into the page: the session, and where to go with it. */
export interface Boot {
  /** The bearer of every request; `null` where the page could not be given one. */
  session: string | null;
  /** When the session ends, an RFC 3339 instant. */
  expiresAt: string | null;
  /** The contact that the CRM shows. */
  contactId: string | null;
  /** Its company in the CRM, as the page knows it. */
  company: string | null;
  preset: Preset;
  /** Origins of the pages that may embed this one and be talked to. */
  hostOrigins: readonly string[];
  /** Whether the CRM can give a new token for this page. */
  canRenew: boolean;
  /** BCP 47. */
  locale: string | null;
  exchangeUrl: string | null;
  graphqlUrl: string;
  subscriptionUrl: string;
}

const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null;

/**
 * Reads the block that the server wrote into the page. `null` when there is none, or when it does
 * not say where to ask.
 */
export function readBoot(page: Document): Boot | null {
  const block = page.getElementById('pulse-boot')?.textContent;
  if (!block) return null;
  let raw: Record<string, unknown>;
  try {
    const parsed: unknown = JSON.parse(block);
    if (typeof parsed !== 'object' || parsed === null) return null;
    raw = parsed as Record<string, unknown>;
  } catch {
    return null;
  }
  const graphqlUrl = text(raw.graphqlUrl);
  const subscriptionUrl = text(raw.subscriptionUrl);
  if (!graphqlUrl || !subscriptionUrl) return null;
  const origins = Array.isArray(raw.hostOrigins) ? (raw.hostOrigins as unknown[]) : [];
  return {
    session: text(raw.session),
    expiresAt: text(raw.expiresAt),
    contactId: text(raw.contactId),
    company: text(raw.company),
    preset: text(raw.preset) ?? 'native',
    hostOrigins: origins.filter((origin): origin is string => typeof origin === 'string'),
    canRenew: raw.renewal === 'host' || raw.renewal === 'pipedrive',
    locale: text(raw.locale),
    exchangeUrl: text(raw.exchangeUrl),
    graphqlUrl,
    subscriptionUrl,
  };
}
