import { legible, SallyportError } from '@sallyport/core';
import type { ErrorCode } from '@sallyport/core';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';

/** Answers every failure with an RFC 9457 problem. What went wrong inside goes to the log, never to the caller. */
export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, new SallyportError('NOT_FOUND', 'There is nothing at this address.')),
  );
}

export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = toKnownError(error, request);
  const level = known.status >= 500 ? 'error' : 'info';
  request.log[level]({ code: known.code, cause: describeCause(known) }, known.message);
  // Closed at once, the connection breaks while the client still sends, before it reads the answer. Node reads the rest
  // and forgets it.
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') reply.removeHeader('connection');
  return sendProblem(request, reply, known);
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, error: SallyportError): FastifyReply {
  const { retryAfterSeconds } = error.details;
  if (typeof retryAfterSeconds === 'number') reply.header('retry-after', String(retryAfterSeconds));
  else if (error.retryable && error.status === 503) reply.header('retry-after', '2');
  // RFC 6750 §3.
  if (error.code === 'ACCESS_UNAUTHENTICATED' || error.code === 'ACCESS_TOKEN_REVOKED')
    reply.header('www-authenticate', 'Bearer');
  return reply
    .code(error.status)
    .type('application/problem+json')
    .send({
      type: `urn:sallyport:error:${error.code}`,
      title: titleOf(error.code),
      status: error.status,
      detail: error.message,
      code: error.code,
      hint: error.hint,
      retryable: error.retryable,
      requestId: request.id,
      ...(Object.keys(error.details).length > 0 && { details: error.details }),
    });
}

/** Told in one answer. */
const MOST_PROBLEMS = 20;

function toKnownError(error: FastifyError, request: FastifyRequest): SallyportError {
  if (SallyportError.isInstance(error)) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const place = error.validationContext ?? 'body';
    // Places and messages quote the names of fields, and a body has room for long ones and for many.
    const problems = error.validation
      .slice(0, MOST_PROBLEMS)
      .map(({ instancePath, message }) => legible(`${placeOf(place, instancePath)}: ${message ?? 'is invalid'}`));
    const others = error.validation.length - problems.length;
    const more = others > 0 ? `; and ${others} more` : '';
    return new SallyportError('REQUEST_INVALID', `The request is not valid: ${problems.join('; ')}${more}.`);
  }
  const known = fastifyProblems[error.code];
  if (known) return new SallyportError(...known);
  // Libraries word their refusals for developers: what they say may hold a path of this host.
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new SallyportError('REQUEST_INVALID', 'The request cannot be answered as it is.', { cause: error });
  }
  return new SallyportError('INTERNAL', `Something went wrong inside the server (request ${request.id}).`, {
    cause: error,
  });
}

const fastifyProblems: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['REQUEST_UNSUPPORTED_TYPE', 'The body is not declared as JSON.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['REQUEST_TOO_LARGE', 'The body is too large.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['REQUEST_INVALID', 'The body is not JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['REQUEST_INVALID', 'The body is empty.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['REQUEST_INVALID', 'The body is not as long as Content-Length says.'],
  FST_ERR_BAD_URL: ['REQUEST_INVALID', 'The address is not a valid URL.'],
  FST_ERR_MAX_PARAM_LENGTH: ['REQUEST_INVALID', 'A part of the address is too long.'],
};

/** `/files/auth` of the body is `body.files.auth`; the body itself is `/`. */
function placeOf(part: string, path: string): string {
  return [part, ...path.split('/').filter((name) => name !== '')].join('.');
}

function titleOf(code: ErrorCode): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Name and message of each cause, without the values an error object may carry along. */
function describeCause(error: SallyportError): string | undefined {
  const parts: string[] = [];
  for (let cause = error.cause; cause instanceof Error && parts.length < 5; cause = cause.cause) {
    parts.push(`${cause.name}: ${cause.message}`);
  }
  return parts.length > 0 ? parts.join(' ← ') : undefined;
}
