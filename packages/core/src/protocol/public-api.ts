/** The server's public HTTP API. Names are fixed: add, never rename. */
export {
  emptyBodySchema,
  problemSchema,
  providerParamsSchema,
  userParamsSchema,
  userQuerySchema,
} from './public/common.ts';
export * from './public/audit.ts';
export * from './public/connect-links.ts';
export * from './public/credentials.ts';
export * from './public/lists.ts';
export * from './public/logins.ts';
export * from './public/machines.ts';
export * from './public/prompts.ts';
export * from './public/providers.ts';
export * from './public/user-tokens.ts';
export * from './public/work-files.ts';
