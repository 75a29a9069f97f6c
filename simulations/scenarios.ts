export { default as ebsSnapshotShared } from './exfiltration/ebs-snapshot-shared.ts';
export { default as rdsSnapshotShared } from './exfiltration/rds-snapshot-shared.ts';
export { default as s3BucketExposed } from './exfiltration/s3-bucket-exposed.ts';
export { default as protectedRefused } from './faults/protected-refused.ts';
export { default as cryptoMinerOnInstance } from './impact/crypto-miner-on-instance.ts';
export { default as managementPortOpen } from './initial-access/management-port-open.ts';
export { default as accessKeyPastItsAge } from './persistence/access-key-past-its-age.ts';
