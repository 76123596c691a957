export * from '../lines/line-splitter.ts';
export * from './checkpoint.ts';
export * from './pty.ts';
export * from './screen.ts';
