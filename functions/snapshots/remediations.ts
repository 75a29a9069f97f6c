export { default as privatizeRdsSnapshot } from './privatize-rds-snapshot.ts';
