import * as kit from '@pipedrive/app-extensions-sdk';

type Kit = typeof kit;
type Sdk = InstanceType<Kit['default']>;

/** What the widget uses of Pipedrive's kit. */
export type PipedriveHost = Pick<Sdk, 'execute'>;

/**
 * The kit's class. The kit is a CommonJS module: imported from an ES module its `default` is by
 * Node's rules, which the bundler follows, all that it exports, with the class once more inside.
 */
function kitClass(): Kit['default'] {
  const imported: Kit['default'] & { readonly default?: Kit['default'] } = kit.default;
  return imported.default ?? imported;
}

/**
 * Initializes Pipedrive's kit. `identifier` is the page's `id` parameter, read before the address
 * was cleaned.
 */
export async function connectPipedrive(identifier: string): Promise<PipedriveHost> {
  return new (kitClass())({ identifier }).initialize();
}

/** Asks Pipedrive for a freshly signed token. */
export async function signedToken(sdk: PipedriveHost): Promise<string> {
  const { token } = await sdk.execute(kit.Command.GET_SIGNED_TOKEN);
  return token;
}

/** Gives the panel the height of what it shows. */
export async function resize(sdk: PipedriveHost, height: number): Promise<void> {
  await sdk.execute(kit.Command.RESIZE, { height });
}
