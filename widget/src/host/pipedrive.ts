import AppExtensionsSDK, { Command } from '@pipedrive/app-extensions-sdk';

/** Pipedrive shows an error in place of a panel that has not initialized within ten seconds. */
export type PipedriveHost = Pick<AppExtensionsSDK, 'execute'>;

/**
 * Initializes Pipedrive's kit. `identifier` is the page's `id` parameter, read before the address
 * was cleaned.
 */
export async function connectPipedrive(identifier: string): Promise<AppExtensionsSDK> {
  return new AppExtensionsSDK({ identifier }).initialize();
}

/** Asks Pipedrive for a freshly signed token. */
export async function signedToken(sdk: PipedriveHost): Promise<string> {
  const { token } = await sdk.execute(Command.GET_SIGNED_TOKEN);
  return token;
}

/** Gives the panel the height of what it shows. */
export async function resize(sdk: PipedriveHost, height: number): Promise<void> {
  await sdk.execute(Command.RESIZE, { height });
}
