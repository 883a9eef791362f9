"""What every part needs: errors, files, the assets that travel with the package, names."""
