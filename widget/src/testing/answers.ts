import { answer, scenarios } from '../../e2e/fixtures.mjs';
import type { Operation } from '../api/generated';

/**
 * What the widget's own operation is answered in one of the situations of `e2e/fixtures.mjs`. The
 * answer is made by executing the operation against the schema, so it has exactly what was asked.
 */
export async function answerOf<A, V extends object>(
  name: string,
  operation: Operation<A, V>,
  variables: V,
): Promise<A> {
  const scenario = scenarios[name];
  if (!scenario) throw new Error(`there is no scenario ${name}`);
  const data = await answer(scenario, operation, variables as Record<string, unknown>);
  // As it comes over the wire: without the prototypes that the executor gives its objects.
  return JSON.parse(JSON.stringify(data)) as A;
}
