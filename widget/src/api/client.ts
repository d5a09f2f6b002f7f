import type { Session } from '../session/session';
import { ApiError, fromStatus, fromWire, type WireError } from './errors';
import type { Operation } from './generated';

/** Asks the GraphQL endpoint, each question with the session's bearer. */
export class Client {
  constructor(
    private readonly url: string,
    private readonly session: Session,
  ) {}

  /**
   * Asks one operation. A refused bearer is renewed once and the question asked again. Rejects with
   * an {@link ApiError}.
   */
  async ask<A, V>(operation: Operation<A, V>, variables: V): Promise<A> {
    try {
      return await this.once(operation, variables);
    } catch (thrown) {
      const error = ApiError.of(thrown);
      if (error.code !== 'UNAUTHENTICATED' || !(await this.session.rejected())) throw error;
      return this.once(operation, variables);
    }
  }

  private async once<A, V>(query: Operation<A, V>, variables: V): Promise<A> {
    const token = this.session.token();
    if (token === null) throw new ApiError('UNAUTHENTICATED');
    let answer: Response;
    try {
      answer = await fetch(this.url, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/graphql-response+json, application/json;q=0.9',
        },
        body: JSON.stringify({ query, variables }),
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        cache: 'no-store',
      });
    } catch {
      throw new ApiError('NETWORK');
    }
    this.session.observe(answer.headers.get('date'));
    let body: { data?: A | null; errors?: readonly WireError[] };
    try {
      body = (await answer.json()) as typeof body;
    } catch {
      throw fromStatus(answer.status);
    }
    // The session may have ended on the way: nothing comes on the screen after that.
    if (this.session.token() === null) throw new ApiError('UNAUTHENTICATED');
    // Data beside errors still answers the question: a part failed alone and is null.
    if (body.data !== undefined && body.data !== null) return body.data;
    if (body.errors && body.errors.length > 0) throw fromWire(body.errors);
    throw fromStatus(answer.status);
  }
}
