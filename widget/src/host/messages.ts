/**
 * What the widget and the page that frames it say to each other by `postMessage`, told in full in
 * `docs/embedding.md`. Both ends read a message by its exact shape and drop all others; neither
 * copies an object that it was sent.
 */

/** The version of the protocol, which stands in every message. */
export const protocol = 1;

/** The widget stands and listens. */
export interface ReadyMessage {
  readonly type: 'pulse:ready';
}

/** How tall the widget is, in CSS pixels, so that the page can give its frame that height. */
export interface ResizeMessage {
  readonly type: 'pulse:resize';
  readonly height: number;
}

/** The session is about to end: a freshly signed token is needed. */
export interface RenewMessage {
  readonly type: 'pulse:renew';
  /** Comes back with the answer, so that no other answer is taken. */
  readonly id: string;
}

export type WidgetMessage = ReadyMessage | ResizeMessage | RenewMessage;

/** A freshly signed token, as the page's back end makes it. */
export interface TokenMessage {
  readonly type: 'pulse:token';
  readonly id: string;
  readonly token: string;
}

/** `auto` follows the system. */
export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

/** The page changed its colors. */
export interface ThemeMessage {
  readonly type: 'pulse:theme';
  readonly theme: Theme;
}

/** The page changed its language: a BCP 47 tag. */
export interface LocaleMessage {
  readonly type: 'pulse:locale';
  readonly locale: string;
}

export type HostMessage = TokenMessage | ThemeMessage | LocaleMessage;

const longestId = 64;
const longestToken = 16_384;
const longestLocale = 35;

const isText = (value: unknown, longest: number): value is string =>
  typeof value === 'string' && value !== '' && value.length <= longest;

/** Whether a value is the name of a theme. */
export const isTheme = (value: unknown): value is Theme => themes.includes(value as Theme);

/** The fields of a message of this protocol's version; `null` for whatever else arrived. */
function fieldsOf(data: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof data !== 'object' || data === null) return null;
  const fields = data as Readonly<Record<string, unknown>>;
  return fields.protocol === protocol ? fields : null;
}

/** What the page said; `null` where it is no message to the widget. */
export function readHostMessage(data: unknown): HostMessage | null {
  const fields = fieldsOf(data);
  if (!fields) return null;
  const { type, id, token, theme, locale } = fields;
  switch (type) {
    case 'pulse:token':
      return isText(id, longestId) && isText(token, longestToken) ? { type, id, token } : null;
    case 'pulse:theme':
      return isTheme(theme) ? { type, theme } : null;
    case 'pulse:locale':
      return isText(locale, longestLocale) ? { type, locale } : null;
    default:
      return null;
  }
}

/** What the widget said; `null` where it is no message to the page. */
export function readWidgetMessage(data: unknown): WidgetMessage | null {
  const fields = fieldsOf(data);
  if (!fields) return null;
  const { type, id, height } = fields;
  switch (type) {
    case 'pulse:ready':
      return { type };
    case 'pulse:resize':
      return typeof height === 'number' && Number.isFinite(height) ? { type, height } : null;
    case 'pulse:renew':
      return isText(id, longestId) ? { type, id } : null;
    default:
      return null;
  }
}
