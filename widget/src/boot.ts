/**
 * How a page gets its next session: from the page that frames it, from the CRM's own kit, for the
 * session that still lives, or not at all.
 */
export type Renewing = 'host' | 'pipedrive' | 'monday' | 'canvas' | 'session' | 'none';

const renewings: readonly unknown[] = [
  'host',
  'pipedrive',
  'monday',
  'canvas',
  'session',
] satisfies Renewing[];

/** What the server writes into the page: the session, and where to go with it. */
export interface Boot {
  /** The bearer of every request; `null` where the page could not be given one. */
  session: string | null;
  /** When the session ends, an RFC 3339 instant. */
  expiresAt: string | null;
  /** Until when it may be renewed from itself, an RFC 3339 instant. */
  hardCap: string | null;
  /** The contact that the CRM shows. */
  contactId: string | null;
  /** Its company in the CRM, as the page knows it. */
  company: string | null;
  /** Which CRM shows the page. */
  preset: string;
  tenant: string | null;
  /** Origins of the pages that may embed this one and be talked to. */
  hostOrigins: readonly string[];
  renewal: Renewing;
  /** BCP 47. */
  locale: string | null;
  /** Where a fresh token of the CRM is traded for a session. */
  exchangeUrl: string | null;
  /** Where a session is traded for the next one. */
  sessionUrl: string | null;
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
    hardCap: text(raw.hardCap),
    contactId: text(raw.contactId),
    company: text(raw.company),
    preset: text(raw.preset) ?? 'native',
    tenant: text(raw.tenant),
    hostOrigins: origins.filter((origin): origin is string => typeof origin === 'string'),
    renewal: renewalOf(raw),
    locale: text(raw.locale),
    exchangeUrl: text(raw.exchangeUrl),
    sessionUrl: text(raw.sessionUrl),
    graphqlUrl,
    subscriptionUrl,
  };
}

/** The renewal; none where the server names one that this page does not know. */
function renewalOf(raw: Readonly<Record<string, unknown>>): Renewing {
  const { renewal } = raw;
  return renewings.includes(renewal) ? (renewal as Renewing) : 'none';
}
