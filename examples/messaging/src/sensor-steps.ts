// The functions of `sensors-flow.yaml`.
interface Reading {
  readonly sensor: string;
  readonly t: number;
}

export const isPlausible = ({ t }: Reading): boolean => t > -50 && t < 60;

export const roomOf = ({ sensor }: Reading): string => sensor.split('/')[0] ?? '';
