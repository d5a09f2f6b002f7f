/**
 * What the widget and a native CRM page say to each other by `postMessage`. The widget answers no
 * message; the page answers `pulse:renew` with `pulse:token`.
 */

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
}

export type WidgetMessage = ReadyMessage | ResizeMessage | RenewMessage;

/** A freshly signed token, as the page's back end makes it. */
export interface TokenMessage {
  readonly type: 'pulse:token';
  readonly token: string;
}

/** Whether something that arrived is a token message. */
export function isTokenMessage(data: unknown): data is TokenMessage {
  if (typeof data !== 'object' || data === null) return false;
  const message = data as Partial<Record<keyof TokenMessage, unknown>>;
  return (
    message.type === 'pulse:token' && typeof message.token === 'string' && message.token !== ''
  );
}
