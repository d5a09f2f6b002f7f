import { createClient } from 'graphql-ws/client';
import { fromWire, type ErrorCode, type WireError } from './errors';
import {
  PulseChangedDocument,
  type PulseChangedSubscription,
  type PulseChangedSubscriptionVariables,
} from './generated';
import type { Pulse } from './types';

/** Why a subscription ended for good. */
export type LiveEnd =
  /** The server closed it: the session, the role or the link is no longer what it was. */
  'closed' | ErrorCode;

export interface LiveEvents {
  /** The pulse as it now is. */
  pulse(pulse: Pulse): void;
  /** Whether changes arrive at the moment. */
  connected(connected: boolean): void;
  /** It ended and will not come back by itself. */
  ended(why: LiveEnd): void;
}

const firstRetryMs = 500;
const longestRetryMs = 30_000;
const keepAliveMs = 20_000;
const pongWithinMs = 5_000;
/** Close codes of the protocol (and of ours) that mean: not with this bearer. */
const refusedCodes = [4401, 4403];

/** Waits longer after each failed try, and not all widgets of a sales floor at once. */
export function retryWait(retries: number, random: () => number = Math.random): number {
  const ceiling = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(retries, 10));
  return ceiling / 2 + (ceiling / 2) * random();
}

/**
 * Listens to a contact's pulse. Reconnects by itself, and the subscription begins with the present
 * pulse, so that nothing is missed. Returns the way to stop.
 */
export function listen(
  url: string,
  token: string,
  variables: PulseChangedSubscriptionVariables,
  events: LiveEvents,
): () => void {
  let stopped = false;
  let socket: WebSocket | undefined;
  let pongDue: ReturnType<typeof setTimeout> | undefined;

  const client = createClient({
    url,
    connectionParams: { authorization: `Bearer ${token}` },
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: () => true,
    retryWait: (retries) => new Promise((done) => setTimeout(done, retryWait(retries))),
    keepAlive: keepAliveMs,
    on: {
      connected: (opened) => {
        socket = opened as WebSocket;
        if (!stopped) events.connected(true);
      },
      closed: () => {
        clearTimeout(pongDue);
        if (!stopped) events.connected(false);
      },
      // A socket that is dead without being closed: found by the ping that nobody answers.
      ping: (received) => {
        if (!received) pongDue = setTimeout(() => socket?.close(4408, 'no pong'), pongWithinMs);
      },
      pong: (received) => {
        if (received) clearTimeout(pongDue);
      },
    },
  });

  const end = (why: LiveEnd): void => {
    if (stopped) return;
    stopped = true;
    events.ended(why);
  };

  const unsubscribe = client.subscribe<PulseChangedSubscription>(
    { query: PulseChangedDocument, variables: { ...variables } },
    {
      next: ({ data, errors }) => {
        if (stopped) return;
        if (data) events.pulse(data.pulseChanged);
        else if (errors) end(fromWire(errors).code);
      },
      error: (error) => {
        end(endOf(error));
      },
      complete: () => {
        end('closed');
      },
    },
  );

  return () => {
    stopped = true;
    clearTimeout(pongDue);
    unsubscribe();
    void client.dispose();
  };
}

/** What an error of the client means: a list of GraphQL errors, a close event, or anything else. */
function endOf(error: unknown): LiveEnd {
  if (Array.isArray(error)) return fromWire(error as WireError[]).code;
  if (typeof error === 'object' && error !== null && 'code' in error) {
    return refusedCodes.includes(Number(error.code)) ? 'UNAUTHENTICATED' : 'NETWORK';
  }
  return 'INTERNAL';
}
