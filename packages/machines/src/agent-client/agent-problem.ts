import { errorCodes, SallyportError } from '@sallyport/core';
import { tryParseJson } from '@sallyport/core/driver';
import { agentProblemSchema } from '@sallyport/core/protocol';
import type { ErrorCode } from '@sallyport/core';

/**
 * Turns the body of an answer that is not 2xx into an error. The agent lives where the user's CLI lives,
 * so its word is not trusted: only codes about the login, the credential, the prompt, a file or the machine itself pass.
 * Everything else becomes AGENT_REFUSED.
 */
export function toAgentError(what: string, status: number, body: string): SallyportError {
  const problem = agentProblemSchema.safeParse(tryParseJson(body)).data;
  const details = { status, ...(problem && { agentCode: problem.code }) };
  if (problem && isPassedOn(problem.code)) {
    const { code, message, hint } = problem;
    return new SallyportError(code, message, { details, ...(hint !== undefined && { hint }) });
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

/** What an agent says about its machine. None of these says anything about the server or another machine. */
const aboutTheMachine: readonly string[] = [
  'MACHINE_BUSY',
  'MACHINE_DISK_UNSAFE',
  'MACHINE_FAILED',
  'MACHINE_TIMED_OUT',
  'MACHINE_UNSUPPORTED',
  'PROVIDER_CLI_MISSING',
] satisfies readonly ErrorCode[];

function isPassedOn(code: string): code is ErrorCode {
  const mayBeSaid = /^(LOGIN|CREDENTIAL|PROMPT|FILE)_/.test(code) || aboutTheMachine.includes(code);
  return mayBeSaid && Object.hasOwn(errorCodes, code);
}
