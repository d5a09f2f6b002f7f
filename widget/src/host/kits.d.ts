// The kits' parts that come without types.

declare module 'monday-sdk-js/src/client' {
  interface Answer {
    readonly data: unknown;
  }
  interface Monday {
    get(what: 'sessionToken' | 'context'): Promise<Answer>;
  }
  export default function init(options: { readonly withoutScrollHelper: boolean }): Monday;
}

declare module '@salesforce/canvas-js-sdk/js/canvas';
declare module '@salesforce/canvas-js-sdk/js/xd';
declare module '@salesforce/canvas-js-sdk/js/client';
