"""What people type: every command of the contract, by what it works on."""
