export { default as isolateInstance } from './isolate-instance.ts';
