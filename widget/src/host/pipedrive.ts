import * as kit from '@pipedrive/app-extensions-sdk';
import type { Kit } from './kit';

type PipedriveKit = typeof kit;

/**
 * The kit's class. The kit is a CommonJS module: imported from an ES module its `default` is by
 * Node's rules, which the bundler follows, all that it exports, with the class once more inside.
 */
function kitClass(): PipedriveKit['default'] {
  const imported: PipedriveKit['default'] & { readonly default?: PipedriveKit['default'] } =
    kit.default;
  return imported.default ?? imported;
}

/**
 * Initializes Pipedrive's kit. `identifier` is the page's `id` parameter, read before the address
 * was cleaned.
 */
export async function start(identifier: string | null): Promise<Kit> {
  if (!identifier) throw new Error('the address has no id');
  const sdk = await new (kitClass())({ identifier }).initialize();
  return {
    token: async () => (await sdk.execute(kit.Command.GET_SIGNED_TOKEN)).token,
    resize: async (height) => {
      await sdk.execute(kit.Command.RESIZE, { height });
    },
  };
}
