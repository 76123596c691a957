export * from './agent-client/connect-agent.ts';
export * from './process/driver.ts';
export * from './egress/direct.ts';
export * from './cli/install.ts';
export * from './cli/releases.ts';
export * from './loopback/callback-ports.ts';
