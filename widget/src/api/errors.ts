/** The server's error codes, and those of the way to it. */
export type ErrorCode =
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'LEDGER_UNAVAILABLE'
  | 'RATE_LIMITED'
  | 'INTERNAL'
  /** No answer came: the server or the network is away. */
  | 'NETWORK';

const codes: readonly string[] = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_USER_INPUT',
  'LEDGER_UNAVAILABLE',
  'RATE_LIMITED',
  'INTERNAL',
];

/** A request that was not answered as asked. */
export class ApiError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string = code) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
  }

  /** The error of anything thrown; what is not known is INTERNAL. */
  static of(thrown: unknown): ApiError {
    return thrown instanceof ApiError ? thrown : new ApiError('INTERNAL');
  }
}

/** An error as GraphQL writes it. */
export interface WireError {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

/** The first error of an answer, by its typed code. */
export function fromWire(errors: readonly WireError[]): ApiError {
  const [first] = errors;
  const code = first?.extensions?.code;
  const known = typeof code === 'string' && codes.includes(code) ? (code as ErrorCode) : 'INTERNAL';
  return new ApiError(known, first?.message ?? known);
}

/** The error of an HTTP status whose body says nothing that we can read. */
export function fromStatus(status: number): ApiError {
  if (status === 401) return new ApiError('UNAUTHENTICATED');
  if (status === 403) return new ApiError('FORBIDDEN');
  if (status === 404) return new ApiError('NOT_FOUND');
  if (status === 429) return new ApiError('RATE_LIMITED');
  if (status === 400 || status === 413 || status === 422) return new ApiError('BAD_USER_INPUT');
  if (status === 502 || status === 503 || status === 504) return new ApiError('NETWORK');
  return new ApiError('INTERNAL');
}
