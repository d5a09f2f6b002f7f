/** What the widget needs of a CRM's own kit for the pages that it frames. */
export interface Kit {
  /** A freshly signed token. */
  readonly token: () => Promise<string>;
  /** Gives the panel the height of what it shows, where the CRM lets it. */
  readonly resize?: (height: number) => Promise<void>;
  /** The record that the CRM shows, where only its kit tells: kind and id, such as `item:5`. */
  readonly record?: () => Promise<string | null>;
}

/**
 * Lets the kits hear the framing page alone. They take messages from any window, so another frame of
 * the page could answer in the CRM's place. Who may frame us, and so who the parent can be, is for
 * the page's policy.
 */
export function hearParentOnly(self: Window): void {
  self.addEventListener(
    'message',
    (event) => {
      if (event.source !== self.parent) event.stopImmediatePropagation();
    },
    true,
  );
}
