export * from './agent-client/connect-agent.ts';
