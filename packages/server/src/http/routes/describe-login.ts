import type { Logins, MethodChoice } from '@sallyport/core';
import type { loginStatusSchema, methodChoiceSchema } from '@sallyport/core/protocol';
import type { SessionRecord } from '@sallyport/core/store';
import type { z } from 'zod';

/** A login as the API tells of it. */
export function describeLogin(
  logins: Logins,
  session: SessionRecord,
  novncURL: string | null,
): z.infer<typeof loginStatusSchema> {
  const { choices } = logins.selection(session.provider);
  const live = logins.live(session.sessionId);
  return {
    sessionId: session.sessionId,
    provider: session.provider,
    status: session.status,
    phase: session.phase,
    method: session.method,
    display: session.display,
    novncURL,
    authUrl: session.authUrl,
    userCode: session.userCode,
    expiresAt: session.userCodeExpiresAt?.toISOString() ?? null,
    pageHost: live?.pageHost ?? null,
    screen: live?.screen ?? null,
    errorCode: session.errorCode,
    errorMessage: session.errorMessage,
    errorHint: session.errorHint,
    methods: choices
      .filter((choice) => choice.method.id !== session.method || choice.display !== session.display)
      .map(describeChoice),
    createdAt: session.createdAt.toISOString(),
    updatedAt: session.updatedAt.toISOString(),
  };
}

/** The name by which a request asks for this way again. */
export function describeChoice(choice: MethodChoice): z.infer<typeof methodChoiceSchema> {
  const { method, display, needs, gives } = choice;
  return {
    id: display === 'none' ? method.id : `${method.id}:${display}`,
    title: `${method.title}${where[display]}`,
    kind: method.kind,
    display,
    needs: [...needs],
    gives: [...gives],
  };
}

/** One method may be shown in two places. */
const where = { desktop: ', in the login machine', local: ', in your own browser', none: '' } as const;
