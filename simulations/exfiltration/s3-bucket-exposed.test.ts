import { scenarioContract } from '../../local/scenario-contract.ts';
import s3BucketExposed from './s3-bucket-exposed.ts';

scenarioContract(s3BucketExposed);
