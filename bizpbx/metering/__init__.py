"""What calls cost and how much an extension may spend: rates, months, allowances."""
