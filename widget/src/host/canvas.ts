// The kit's parts without its OAuth client, which would keep tokens in cookies. Each is a script that
// adds itself to `window.Sfdc`, in this order.
import '@salesforce/canvas-js-sdk/js/canvas';
import '@salesforce/canvas-js-sdk/js/xd';
import '@salesforce/canvas-js-sdk/js/client';
import type { Kit } from './kit';

/** How the kit answers. */
interface Answer {
  readonly status?: unknown;
  readonly payload?: { readonly response?: unknown } | null;
}

/** What the widget uses of the kit. */
interface CanvasClient {
  refreshSignedRequest(answered: (answer: Answer) => void): void;
  resize(client: object, size: { height: string }): void;
}

interface CanvasWindow {
  readonly Sfdc?: { readonly canvas?: { readonly client?: CanvasClient } };
  readonly name: string;
}

/** Starts Salesforce's kit for Canvas. */
export function start(): Promise<Kit> {
  const { Sfdc, name } = window as CanvasWindow;
  const client = Sfdc?.canvas?.client;
  if (!client) return Promise.reject(new Error('the Canvas kit did not start'));
  // As the kit itself names the frame when it refreshes. There is no token in it.
  const frame = {
    oauthToken: 'null',
    instanceId: name.substring('canvas-frame-'.length),
    targetOrigin: '*',
  };
  return Promise.resolve({
    token: () =>
      new Promise((resolve, reject) => {
        client.refreshSignedRequest(({ status, payload }) => {
          const response = payload?.response;
          if (status === 200 && typeof response === 'string' && response !== '') resolve(response);
          else reject(new Error('Salesforce gave no signed request'));
        });
      }),
    resize: (height) => {
      client.resize(frame, { height: `${height}px` });
      return Promise.resolve();
    },
  });
}
