import { SallyportError } from '@sallyport/core';
import type { ErrorCode } from '@sallyport/core';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';

/** Answers every failure with an RFC 9457 problem. What went wrong inside goes to the log, never to the caller. */
export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const known = toKnownError(error, request);
    const level = known.status >= 500 ? 'error' : 'info';
    request.log[level]({ code: known.code, cause: describeCause(known) }, known.message);
    return sendProblem(request, reply, known);
  });
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, new SallyportError('NOT_FOUND', 'There is nothing at this address.')));
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: SallyportError): FastifyReply {
  if (error.retryable && error.status === 503) reply.header('retry-after', '2');
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

function toKnownError(error: FastifyError, request: FastifyRequest): SallyportError {
  if (SallyportError.isInstance(error)) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const problems = error.validation.map((issue) => `${error.validationContext ?? 'body'}${issue.instancePath.replaceAll('/', '.')} ${issue.message ?? 'is invalid'}`);
    return new SallyportError('REQUEST_INVALID', `The request is not valid: ${problems.join('; ')}.`);
  }
  const code = fastifyCodes[error.code];
  if (code) return new SallyportError(code, error.message);
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) return new SallyportError('REQUEST_INVALID', error.message);
  return new SallyportError('INTERNAL', `Something went wrong inside the server (request ${request.id}).`, { cause: error });
}

const fastifyCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'REQUEST_UNSUPPORTED_TYPE',
  FST_ERR_CTP_BODY_TOO_LARGE: 'REQUEST_TOO_LARGE',
};

function titleOf(code: ErrorCode): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Name and message of each cause, without the values an error object may carry along. */
function describeCause(error: SallyportError): string | undefined {
  const parts: string[] = [];
  for (let cause = error.cause; cause instanceof Error && parts.length < 5; cause = cause.cause) parts.push(`${cause.name}: ${cause.message}`);
  return parts.length > 0 ? parts.join(' ← ') : undefined;
}
