/** Carbon of some energy on a grid, g CO2e: Wh, and g CO2e per kWh. */
export function gramsOf(energyWh: number, gPerKwh: number): number {
  return (energyWh * gPerKwh) / 1000;
}
