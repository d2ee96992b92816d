// Signs in with golang.org/x/oauth2, with the default AuthStyle, and refreshes.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"golang.org/x/oauth2"
)

func main() {
	issuer := os.Getenv("ISSUER")
	config := oauth2.Config{
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		Endpoint:     oauth2.Endpoint{DeviceAuthURL: issuer + "/device_authorization", TokenURL: issuer + "/token"},
		Scopes:       []string{"openid", "email", "offline_access"},
	}
	codes, err := config.DeviceAuth(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(codes.UserCode)
	started := time.Now()
	token, err := config.DeviceAccessToken(context.Background(), codes)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("waited %.1f s\n", time.Since(started).Seconds())
	token.Expiry = time.Now().Add(-time.Minute)
	refreshed, err := config.TokenSource(context.Background(), token).Token()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("access token:", refreshed.AccessToken)
}
