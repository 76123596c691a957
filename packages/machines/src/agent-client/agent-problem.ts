import { agentProblemSchema, errorCodes, SallyportError } from '@sallyport/core';
import type { ErrorCode } from '@sallyport/core';

/**
 * Turns the body of an answer that is not 2xx into an error. The agent lives where the user's CLI lives,
 * so its word is not trusted: only codes about the login, the credential or the prompt pass, everything else
 * becomes AGENT_REFUSED.
 */
export function toAgentError(what: string, status: number, body: string): SallyportError {
  const problem = agentProblemSchema.safeParse(tryParseJson(body)).data;
  const details = { status, ...(problem && { agentCode: problem.code }) };
  if (problem && isPassedOn(problem.code)) {
    return new SallyportError(problem.code, problem.message, { details });
  }
  const said = problem ? `: ${problem.message}` : '.';
  return new SallyportError('AGENT_REFUSED', `The agent answered ${what} with status ${status}${said}`, { details });
}

/** The connection failed, or ended in the middle of an answer. */
export function toUnreachable(what: string, cause: unknown): SallyportError {
  return SallyportError.isInstance(cause)
    ? cause
    : new SallyportError('AGENT_UNREACHABLE', `The agent could not be reached for ${what}.`, { cause });
}

export function tryParseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPassedOn(code: string): code is ErrorCode {
  return /^(LOGIN|CREDENTIAL|PROMPT)_/.test(code) && Object.hasOwn(errorCodes, code);
}
