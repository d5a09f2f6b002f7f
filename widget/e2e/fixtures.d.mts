/** See fixtures.mjs. */
export interface Scenario {
  readonly world: unknown;
  readonly boot?: Readonly<Record<string, unknown>>;
  readonly fails?: { readonly code: string };
  readonly hangs?: boolean;
}
export const scenarios: Readonly<Record<string, Scenario>>;
export function answer(
  scenario: Scenario,
  query: string,
  variables?: Readonly<Record<string, unknown>>,
): Promise<unknown>;
