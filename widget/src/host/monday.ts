import init from 'monday-sdk-js/src/client';
import type { Kit } from './kit';

/** The number of an item, which the kit tells as a number or as a text. */
function itemOf(context: unknown): string | null {
  if (typeof context !== 'object' || context === null) return null;
  const { itemId } = context as { readonly itemId?: unknown };
  const text = typeof itemId === 'number' ? String(itemId) : itemId;
  return typeof text === 'string' && /^\d{1,20}$/.test(text) ? `item:${text}` : null;
}

/** Starts monday's kit. Without its helper for scrolling, an inline style that our policy forbids. */
export function start(): Promise<Kit> {
  const sdk = init({ withoutScrollHelper: true });
  return Promise.resolve({
    token: async () => {
      const { data } = await sdk.get('sessionToken');
      if (typeof data !== 'string' || data === '') throw new Error('monday gave no token');
      return data;
    },
    record: async () => itemOf((await sdk.get('context')).data),
  });
}
